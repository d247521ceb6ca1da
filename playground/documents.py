"""The files of sample requests: small, and what their names say."""

_PAGE = (
    "%PDF-1.4\n"
    "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 80]/Contents 4 0 R"
    "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
    "4 0 obj<</Length {length}>>stream\n{drawing}\nendstream endobj\n"
    "trailer<</Root 1 0 R>>\n%%EOF\n"
)


def file_named(name: str) -> tuple[str, bytes]:
    """Return content type and bytes of the file with this name: a page that says its name."""
    if not name.lower().endswith(".pdf"):
        return "text/plain", f"{name}\n".encode()
    said = "".join(letter for letter in name if letter.isascii() and letter not in "()\\")
    drawing = f"BT /F 14 Tf 20 35 Td ({said}) Tj ET"
    return "application/pdf", _PAGE.format(length=len(drawing), drawing=drawing).encode()
