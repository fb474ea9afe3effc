"""The pages build without a dead link, ask for nothing from elsewhere, and name what is there."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from tests.docs.pages import DOCS, PAGES, README, anchors, links, name_of, spans
from tests.running import ROOT, output_of

MADE_LATER = {"workflow/envs/histosurv.sif"}  # by the commands of the page that names it
LONGEST = 240  # lines of a page


def build(folder, site):
    if importlib.util.find_spec("material") is None:
        pytest.skip("no mkdocs-material to build the pages with (pip install mkdocs-material)")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_site_builds_and_its_pages_load_nothing_from_elsewhere(tmp_path):
    run = build(ROOT, tmp_path)
    assert run.returncode == 0, output_of(run)
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) >= len(PAGES) - 1
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]*\ssrc="?([^" >]+)', text)
        loaded += re.findall(r'<link[^>]*\srel="?(?:stylesheet|preconnect|icon)[^>]*', text)
        assert len(loaded) > 2, page
        assert not [what for what in loaded if "//" in what], page
    assert not list(tmp_path.rglob("_*.py"))


def test_dead_links_and_a_page_without_a_place_stop_the_build(tmp_path):
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(DOCS, tmp_path / "docs")
    dead = ["nowhere.md", "tutorial.md#nowhere", "#missing", "/tutorial", "../README.md"]
    text = "\n".join(f"[a link]({link})" for link in dead)
    (tmp_path / "docs/forgotten.md").write_text(f"# Forgotten\n\n{text}\n", encoding="utf-8")
    run = build(tmp_path, tmp_path / "site")
    assert run.returncode != 0
    for name in ["exist in the docs directory, but are not included", *dead]:
        assert name in output_of(run), name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings_that_are_there(page):
    for file, anchor in links(page):
        target = page.parent / file if file else page
        assert target.exists(), f"{file}#{anchor}"
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_of_the_repository_that_a_page_names_are_there(page):
    folders = "|".join(path.name for path in ROOT.iterdir() if path.is_dir())
    for span in spans(page):
        path = span.split()[0]
        if re.fullmatch(rf"(?:{folders})/[\w./{{}},*-]+", path) and path not in MADE_LATER:
            is_made = path.startswith(("results/", "demo/", "logs/", "build/"))
            assert is_made or expanded(path), span


def expanded(path):
    """Files that a path with braces and stars stands for."""
    if match := re.search(r"\{([^}]*)\}", path):
        return [
            file
            for part in match[1].split(",")
            for file in expanded(path.replace(match[0], part, 1))
        ]
    return list(ROOT.glob(path.rstrip("/")))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_are_short(page):
    text = page.read_text(encoding="utf-8")
    assert page == README or len(text.splitlines()) <= LONGEST


def test_the_tutorial_tells_of_every_section_of_the_report_in_its_order():
    entries = yaml.safe_load((ROOT / "src/histosurv/report/sections.yaml").read_text("utf-8"))
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z][^|]+) \|", text, re.MULTILINE)
    assert rows == [entry["title"] for entry in entries]
