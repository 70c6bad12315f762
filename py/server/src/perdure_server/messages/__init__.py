"""What the API takes and answers and no SDK of ours sends or reads; the rest is in ``perdure.wire``."""
