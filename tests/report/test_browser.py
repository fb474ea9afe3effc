"""The report as a browser shows it: Chromium, phone to wide screen, light and dark."""

import numpy as np
import pandas as pd
import pytest
from tests.report.browser import chromium, opened
from tests.report.finished_run import IDS, N
from tests.report.whole_run import READERS, everything, noise, whole_run

from histosurv.report.build import build_report
from histosurv.report.spec import sections
from histosurv.report.wording import interval

HOSTILE = [
    '<script>alert("1")</script>',
    "\"quoted' & <b>bold</b>",
    "../../etc/passwd",
    "Łódź 患者 \u202e ✓",
    "x" * 300,
    "{{ 7 * 7 }} {% if %} $HOME `id`",
]
SCHEMES = ("light", "dark")

# Texts of figures that leave their figure, and those that lie over one another.
CUT = """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')].filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1
            || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
    }).map(text => svg.closest('figure').id + ': ' + text.textContent.trim());
})"""
OVER_EACH_OTHER = """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
    const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim());
    const boxes = texts.map(text => text.getBoundingClientRect());
    return texts.flatMap((text, i) => texts.slice(i + 1).filter((_, k) => {
        const [a, b] = [boxes[i], boxes[i + 1 + k]];
        return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
    }).map(other => `${svg.closest('figure').id}: ${text.textContent} | ${other.textContent}`));
})"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A whole run with hostile names of patients, spots, a covariate and the study."""
    columns = everything(np.random.default_rng(1))
    columns[HOSTILE[0]] = np.random.default_rng(2).choice(["a", "<i>b</i>"], N)
    return whole_run(
        tmp_path_factory.mktemp("hostile"),
        columns,
        ids=pd.Series([*HOSTILE, *IDS[len(HOSTILE) :]]),
        pictures=noise(),
        title=HOSTILE[0],
        cohort={"readers": READERS},
        evaluation={
            "covariates": ["age", "stage", HOSTILE[0]],
            "subgroups": ["sex", HOSTILE[0], "block"],
            "against": "vote_count",
        },
    )


@pytest.fixture(scope="module")
def path(run):
    out = run.results / "report/study.html"
    build_report(run, out, with_files=False)
    return out


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def page(browser, path):
    with opened(browser, path) as found:
        yield found


def test_the_page_says_nothing_to_the_console_and_asks_for_nothing(browser, path):
    with opened(browser, path) as page:
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.click("#table-patients tbody tr a")
        page.wait_for_timeout(200)
        assert page.said == []
        assert page.asked == []


def test_all_sections_are_there_in_order(page):
    found = page.eval_on_selector_all("main > [id]", "of => of.map(x => x.id)")
    assert found == ["finding", "warnings", *(section.id for section in sections())]
    shown = page.eval_on_selector_all(
        "figure, .table, .missing", "of => of.map(x => x.id.split('-').slice(1).join('-'))"
    )
    assert shown == [name for section in sections() for name in section.captions]


def test_the_headline_is_what_the_metrics_table_says(page, run):
    cells = page.query_selector_all("#finding [data-score]")
    assert len(cells) == 2 * 4  # the network and the readers, four figures each
    for cell in cells:
        row = run.row(cell.get_attribute("data-score"), cell.get_attribute("data-estimand"))
        assert cell.text_content() == interval(row)
    finding = page.text_content(".finding")
    for score in ("lstm", "vote_count"):
        assert interval(run.row(score, "auc_ipcw_60m")) in finding


def test_every_figure_has_a_caption_with_four_answers_its_numbers_and_a_link(page):
    for one in page.query_selector_all("figure, .table"):
        caption = one.query_selector("figcaption, .caption").text_content()
        assert all(word in caption for word in ("Good:", "Bad:", "Then:"))
        assert one.query_selector(f"a[href='#{one.get_attribute('id')}']")
        assert one.query_selector("a[download$='.csv']").get_attribute("href")


def test_hostile_names_are_text(page):
    assert page.title() == HOSTILE[0]
    names = page.eval_on_selector_all("#table-patients th a", "of => of.map(x => x.textContent)")
    assert set(HOSTILE) <= set(names)
    assert page.evaluate("document.querySelectorAll('script').length") == 1
    assert page.evaluate("document.querySelectorAll('main i:not(.view):not([style])').length") == 0
    assert "49" not in page.title()


def test_the_table_of_patients_sorts_and_filters(page, run):
    first = "#table-patients tbody tr:first-child"
    for order in ("ascending", "descending"):
        page.click("#table-patients thead button:has-text('Months')")
        heading = page.locator("#table-patients th[aria-sort]")
        assert heading.get_attribute("aria-sort") == order
        months = run.patients["time_months"]
        wanted = months.min() if order == "ascending" else months.max()
        assert float(page.text_content(f"{first} td:nth-child(7)")) == wanted
    page.fill("#table-patients input", "P42")
    shown = page.eval_on_selector_all(
        "#table-patients tbody tr:not([hidden])", "of => of.map(x => x.cells[0].textContent)"
    )
    assert shown == ["P42"]
    assert page.text_content("#table-patients output") == "1 of 90 rows"
    page.fill("#table-patients input", "")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_patient_is_shown_with_and_without_scripts(browser, path, scripts):
    with opened(browser, path, scripts=scripts) as page:
        link = page.locator("#table-patients tbody tr:nth-child(2) a")
        name, panel = link.text_content(), link.get_attribute("href")
        assert not page.locator(panel).is_visible()
        link.click()
        assert page.locator(panel).is_visible()
        assert page.locator(f"{panel} h3").text_content() == name
        assert page.locator(f"{panel} .view").first.bounding_box()["height"] > 100
        assert page.locator(".panel:visible").count() == 1


def test_without_scripts_nothing_is_missing(browser, path):
    with opened(browser, path, scripts=False) as page:
        assert page.locator("main > section").count() == len(sections()) + 1
        assert page.locator(".filter:visible").count() == 0
        assert page.locator("figure svg").count() == page.locator("figure").count()


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (390, "dark"), (820, "light"), (1500, "dark")]
)
def test_nothing_is_cut_or_too_wide(browser, path, width, scheme, tmp_path):
    with opened(browser, path, width=width, scheme=scheme) as page:
        page.click("#table-patients tbody tr a")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for view in page.query_selector_all(".panel:target .view"):
            box = view.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert page.evaluate(CUT) == []
        assert page.evaluate(OVER_EACH_OTHER) == []
        letters = page.evaluate("""() => Math.min(...[...document.querySelectorAll('figure svg')]
            .map(svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width))""")
        assert letters > 0.9  # of the size that they were drawn in: 7 points and more
        page.screenshot(path=tmp_path / "page.png", full_page=True)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_everybody_can_read_it(browser, path, scheme):
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, path, scheme=scheme) as page:
        page.click("#table-patients tbody tr a")
        found = Axe().run(page).response["violations"]
        told = [
            (of["id"], of["help"], [node["target"] for node in of["nodes"]][:5]) for of in found
        ]
        assert told == []


def test_it_prints(browser, path, tmp_path):
    with opened(browser, path) as page:
        page.pdf(path=tmp_path / "study.pdf", format="A4")
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible()
    assert (tmp_path / "study.pdf").stat().st_size > 100_000
