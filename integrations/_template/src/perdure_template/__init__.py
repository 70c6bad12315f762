"""The template of a Perdure integration: copy the folder to start one."""

from perdure_template.integration import Template, TemplateTasks
from perdure_template.service import Greeting, ServiceFailed

__all__ = [
    "Greeting",
    "ServiceFailed",
    "Template",
    "TemplateTasks",
]
