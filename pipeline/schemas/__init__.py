"""Every table of the house, described once: grain, key, columns, types, units, meaning, who may see it.

Inputs come from outside (`inputs`), working tables pass between stages (`working`), output tables make up a finished
run (`outputs`). The checks at each border, the reference pages and the workspace all read these descriptions.
"""

from pipeline.schemas.inputs import INPUTS
from pipeline.schemas.model import Column, Table, arrow_schema
from pipeline.schemas.outputs import OUTPUTS
from pipeline.schemas.working import WORKING

TABLES: dict[str, Table] = {t.name: t for t in (*WORKING, *OUTPUTS)}

__all__ = ["INPUTS", "OUTPUTS", "TABLES", "WORKING", "Column", "Table", "arrow_schema"]
