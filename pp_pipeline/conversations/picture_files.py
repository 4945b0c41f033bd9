"""A picture of a conversation as a file: SVG, and PNG for chats and tickets that show no SVG."""

import unicodedata
from html import escape
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from pp_pipeline.conversations.layout import WIDTH, Arrow, Box, Picture, Point, Text

_INK, _GREY, _LINE, _FILL, _WAITING = "#222222", "#555555", "#7a869a", "#f4f6fa", "#fff4d6"
_STYLE = (
    f"text{{font:13px sans-serif;fill:{_INK}}}.title{{font-weight:bold}}"
    f".label{{font-size:11px;fill:{_GREY};paint-order:stroke;stroke:#fff;stroke-width:3px}}"
    f"rect{{fill:{_FILL};stroke:{_LINE}}}.waits rect{{fill:{_WAITING}}}path{{fill:none;stroke:{_LINE}}}"
    f".tip{{fill:{_LINE}}}"
)
_SCALE = 2  # a PNG's pixels for one of the layout, so that it is sharp on every screen
_FONT = "DejaVuSans.ttf"


def svg(picture: Picture, title: str) -> bytes:
    """An SVG document."""
    width, height = picture.width, picture.height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<title>{escape(title)}</title><style>{_STYLE}</style><rect width="100%" height="100%" '
        'style="fill:#fff;stroke:none"/>',
        *(_svg_text(text, "title") for text in picture.titles),
        *(_svg_box(box) for box in picture.boxes),
        *(_svg_arrow(arrow) for arrow in picture.arrows),
        *(_svg_text(arrow.label, "label") for arrow in picture.arrows if arrow.label.words),
        "</svg>",
    ]
    return ("\n".join(parts) + "\n").encode()


def png(picture: Picture, title: str) -> bytes:
    """A PNG file, without a browser or a system's drawing library.

    Its letters are those of DejaVu Sans where the system has it; else of a font that knows plain Latin letters only, so
    others lose their accents or become `?`.
    """
    image = Image.new("RGB", (picture.width * _SCALE, picture.height * _SCALE), "white")
    draw = ImageDraw.Draw(image)
    try:
        body, small = (ImageFont.truetype(_FONT, size * _SCALE) for size in (12, 10))
        letters = str
    except OSError:
        body, small = (ImageFont.load_default(size * _SCALE) for size in (13, 11))
        letters = _plain
    for text in picture.titles:
        draw.text(_scaled(text.at), letters(text.words), _INK, body, "ls", stroke_width=0.6)
    for box in picture.boxes:
        x, y = box.corner
        corners = (*_scaled(box.corner), *_scaled((x + WIDTH, y + box.height)))
        draw.rounded_rectangle(corners, 6 * _SCALE, _WAITING if box.is_waiting else _FILL, _LINE, _SCALE)
        for text in box.texts:
            draw.text(_scaled(text.at), letters(text.words), _INK, body, "ls")
    for arrow in picture.arrows:
        draw.line([_scaled(point) for point in arrow.points], _LINE, _SCALE, "curve")
        draw.polygon([_scaled(point) for point in _tip(arrow)], _LINE)
    for arrow in picture.arrows:
        place, words = _scaled(arrow.label.at), letters(arrow.label.words)
        anchor = "rs" if arrow.label.is_end else "ls"
        draw.text(place, words, _GREY, small, anchor, stroke_width=_SCALE, stroke_fill="white")
    told = PngImagePlugin.PngInfo()
    told.add_text("Title", title)
    written = BytesIO()
    image.save(written, "PNG", pnginfo=told, optimize=True)
    return written.getvalue()


def _plain(words: str) -> str:
    taken_apart = unicodedata.normalize("NFKD", words)
    return (
        "".join(letter for letter in taken_apart if not unicodedata.combining(letter))
        .encode("ascii", "replace")
        .decode()
    )


def _scaled(point: Point) -> Point:
    return point[0] * _SCALE, point[1] * _SCALE


def _tip(arrow: Arrow) -> tuple[Point, Point, Point]:
    """The triangle at the end of an arrow, which goes down, to the left or to the right."""
    (before_x, before_y), (x, y) = arrow.points[-2:]
    if x == before_x:
        back = -8 if y > before_y else 8
        return (x, y), (x - 4, y + back), (x + 4, y + back)
    back = -8 if x > before_x else 8
    return (x, y), (x + back, y - 4), (x + back, y + 4)


def _svg_text(text: Text, kind: str) -> str:
    end = ' text-anchor="end"' if text.is_end else ""
    return f'<text class="{kind}" x="{text.at[0]}" y="{text.at[1]}"{end}>{escape(text.words)}</text>'


def _svg_box(box: Box) -> str:
    (x, y), kind = box.corner, ' class="waits"' if box.is_waiting else ""
    texts = "".join(f'<text x="{text.at[0]}" y="{text.at[1]}">{escape(text.words)}</text>' for text in box.texts)
    return f'<g{kind}><rect x="{x}" y="{y}" width="{WIDTH}" height="{box.height}" rx="6"/>{texts}</g>'


def _svg_arrow(arrow: Arrow) -> str:
    way = "L".join(f"{x} {y}" for x, y in arrow.points)
    tip = "L".join(f"{x} {y}" for x, y in _tip(arrow))
    return f'<path d="M{way}"/><path class="tip" d="M{tip}z"/>'
