"""Benchmarks: figures behind the decisions in docs/adr/, and a guard against getting slower."""
