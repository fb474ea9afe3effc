"""A page of 5,000 spots can still be sent by mail."""

import pytest
from tests.report.whole_run import large_run

from histosurv.report.build import build_report


@pytest.mark.soak
def test_the_page_of_5000_spots_stays_small_and_shows_them_all(tmp_path):
    run = large_run(tmp_path, 5000)
    build_report(run, tmp_path / "study.html", with_files=False)
    size = (tmp_path / "study.html").stat().st_size
    assert size < 15e6
    page = (tmp_path / "study.html").read_text(encoding="utf-8")
    assert page.count('class="panel"') == 5000
    assert page.count("data:image/webp;base64,") == 5000
    assert "Pictures are small, for there are many" in page
