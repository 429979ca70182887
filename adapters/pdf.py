"""Pages as PDF: the one home of WeasyPrint, which is an extra (`pip install 'baton-handoff[pdf]'`)."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import Any, NoReturn

from schemas.errors import ConfigRefused


def print_page(html: bytes) -> bytes:
    """One self-contained page as an accessible PDF; the same page always has the same bytes.

    Nothing is fetched: an address in the page is an error.

    Raises:
        ConfigRefused: the library, or a system library that it needs, is missing.
    """
    try:
        # A second to import, and wanted by one command.
        weasyprint: Any = import_module("weasyprint")
    except (ImportError, OSError):
        raise ConfigRefused(
            "no-pdf",
            "PDF needs WeasyPrint and Pango; install Baton with the extra [pdf], or leave out --pdf "
            "(report.html prints the same)",
            where="--pdf",
        ) from None
    # The fonts inside carry an instant, which is this one where it is set; and which subsetter is used.
    os.environ.setdefault("SOURCE_DATE_EPOCH", "315532800")
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    page = weasyprint.HTML(string=html.decode(), url_fetcher=_nothing)
    made: bytes = page.write_pdf(pdf_variant="pdf/ua-1", pdf_identifier=b"baton")
    return made


def _nothing(url: str, *rest: Any, **more: Any) -> NoReturn:
    raise ValueError("a page for printing fetches nothing")
