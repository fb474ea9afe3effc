"""What all tests of reports share."""

import pytest

WITH_PDF = ("test_build", "test_command")


@pytest.fixture(scope="module", autouse=True)
def without_pdf(request):
    """PDFs take more than half of a report's time, most of it to cut fonts to the letters in use.

    They are drawn where the files for the paper are looked at.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.module.__name__.rpartition(".")[2] not in WITH_PDF:
            patch.setattr("histosurv.report.exports.to_pdf", lambda figure: b"%PDF")
        yield
