"""Shadow homes: what would be planned with another configuration, other files, or as of another time.

A shadow is built beside the real home and thrown away. The real home, its ledger and its warehouse are read only.
"""

from pp_pipeline.shadow.building import ShadowError
from pp_pipeline.shadow.home import shadow_home

__all__ = ["ShadowError", "shadow_home"]
