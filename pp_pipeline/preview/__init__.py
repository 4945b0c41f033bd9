"""Previews: who would get what and when, and for all others of the Post Purchase list why not (DESIGN 7)."""

from pp_pipeline.preview.asking import Asked, make_preview
from pp_pipeline.preview.table import Preview, PreviewRow

__all__ = ["Asked", "Preview", "PreviewRow", "make_preview"]
