"""The stages of the line, one module each, named as in `pipeline.plan`: tables and settings in, tables out.

Each offers `make`, which gets by parameter name what the plan declares, and returns the tables that it writes.
"""
