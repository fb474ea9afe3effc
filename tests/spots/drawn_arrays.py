"""Draw overviews of tissue microarrays whose true cells are known, easy and nasty ones."""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

# Colours of thin tissue on a bright slide: H&E, pale immunostain, brown immunostain, faint blue.
STAINS = [(222, 160, 195), (226, 222, 228), (205, 180, 150), (214, 217, 232)]


@dataclass
class Layout:
    """What is drawn; lengths in pixels of the overview, shares between 0 and 1."""

    rows: int = 8
    columns: int = 12
    core_px: float = 100.0
    pitch: float = 1.4  # core diameters from centre to centre, across and down
    pitch_down: float | None = None
    turn_degrees: float = 0.0
    bend: float = 0.0  # sag of the outer lines in core diameters
    keystone: float = 0.0  # share by which the pitch grows over the slide
    jitter_px: float = 0.0  # uniform, to both sides
    missing: float = 0.0  # share of the cores that are lost
    lost_rows: tuple[int, ...] = ()
    lost_columns: tuple[int, ...] = ()
    empty: tuple[tuple[int, int], ...] = ()  # cells that never held a core, as the map says
    slipped_row: int | None = None  # a row that lies displaced along itself
    slip: float = 0.0  # by so many steps
    ragged: float = 0.0  # share of cores that are crescents or fragments
    debris: int = 0
    debris_share: tuple[float, float] = (0.15, 0.7)  # of a core's diameter
    gap_after_column: int | None = None  # a wider step after this column
    gap_after_row: int | None = None
    gap: float = 1.0  # extra width of that step in core diameters
    border_px: int = 0  # black frame of the scan
    stain: int = 0
    glass: tuple[int, int, int] = (243, 242, 244)
    shade: float = 0.0  # uneven light, share
    flip: str = ""  # "180", "left-right", "up-down": how the slide lies, against the map
    seed: int = 0


@dataclass
class DrawnArray:
    """A picture and the truth about it, in the cells of the map."""

    picture: np.ndarray  # (height, width, 3) uint8
    centres: np.ndarray  # (rows, columns, 2) x and y of every cell
    present: np.ndarray  # (rows, columns) bool
    layout: Layout = field(repr=False)


def draw(layout: Layout) -> DrawnArray:
    """Draw one overview."""
    rng = np.random.default_rng(layout.seed)
    centres = _place(layout, rng)
    present = rng.random(centres.shape[:2]) >= layout.missing
    present[list(layout.lost_rows)] = False
    present[:, list(layout.lost_columns)] = False
    for row, column in layout.empty:
        present[row, column] = False
    margin = 1.2 * layout.core_px + layout.border_px
    centres += margin - centres.reshape(-1, 2).min(axis=0)
    width, height = (centres.reshape(-1, 2).max(axis=0) + margin).astype(int)
    if layout.flip in ("180", "left-right"):
        centres[..., 0] = width - centres[..., 0]
    if layout.flip in ("180", "up-down"):
        centres[..., 1] = height - centres[..., 1]
    tissue = np.zeros((height, width), np.float32)
    for cell in np.ndindex(present.shape):
        if present[cell]:
            ragged = rng.random() < layout.ragged
            _add_core(tissue, centres[cell], layout.core_px, rng, ragged=ragged)
    for _ in range(layout.debris):
        place = rng.uniform([0, 0], [width, height])
        size = layout.core_px * rng.uniform(*layout.debris_share)
        _add_core(tissue, place, size, rng, ragged=rng.random() < 0.5)
    return DrawnArray(_colour(tissue, layout, rng), centres, present, layout)


def _place(layout: Layout, rng: np.random.Generator) -> np.ndarray:
    """Centres of all cells round (0, 0), with every distortion."""
    step = layout.pitch * layout.core_px
    down = (layout.pitch_down or layout.pitch) * layout.core_px
    x = np.arange(layout.columns) * step
    y = np.arange(layout.rows) * down
    if layout.gap_after_column is not None:
        x[layout.gap_after_column + 1 :] += layout.gap * layout.core_px
    if layout.gap_after_row is not None:
        y[layout.gap_after_row + 1 :] += layout.gap * layout.core_px
    x, y = np.meshgrid(x - x.mean(), y - y.mean())
    u, v = x / max(abs(x).max(), 1), y / max(abs(y).max(), 1)
    sag = layout.bend * layout.core_px
    x, y = (
        x * (1 + layout.keystone * v / 2) + sag * v**2,
        y * (1 + layout.keystone * u / 2) - sag * u**2,
    )
    if layout.slipped_row is not None:
        x[layout.slipped_row] += layout.slip * step
    angle = np.deg2rad(layout.turn_degrees)
    turned = np.stack(
        [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=-1
    )
    return turned + rng.uniform(-layout.jitter_px, layout.jitter_px, turned.shape)


def _add_core(
    tissue: np.ndarray, centre: np.ndarray, size: float, rng: np.random.Generator, *, ragged: bool
) -> None:
    """Lay one piece of tissue down; ragged ones are bitten, split or slim."""
    half = int(np.ceil(size * 0.6))
    x0, y0 = int(centre[0]) - half, int(centre[1]) - half
    y, x = np.mgrid[y0 : y0 + 2 * half, x0 : x0 + 2 * half]
    dx, dy = x - centre[0], y - centre[1]
    angle = np.arctan2(dy, dx)
    wobble = 1 + 0.05 * np.sin(angle * rng.integers(2, 6) + rng.uniform(0, 6.3))
    radius = np.hypot(dx, dy) / (size / 2)
    piece = (radius < wobble * rng.uniform(0.9, 1.0)).astype(np.float32)
    if ragged:
        bite = rng.uniform(-0.6, 0.6, 2) * size
        reach = rng.uniform(0.3, 0.8) * size / 2 * 1.3
        piece[np.hypot(dx - bite[0], dy - bite[1]) < reach] = 0
    grain = gaussian_filter(rng.standard_normal(piece.shape), 1.5)
    piece *= np.clip(0.75 + 0.9 * grain, 0.1, 1.4) * rng.uniform(0.55, 1.1)
    top, left = max(0, -y0), max(0, -x0)
    window = tissue[max(0, y0) : max(0, y0 + 2 * half), max(0, x0) : max(0, x0 + 2 * half)]
    piece = piece[top : top + window.shape[0], left : left + window.shape[1]]
    np.maximum(window, piece, out=window)


def _colour(tissue: np.ndarray, layout: Layout, rng: np.random.Generator) -> np.ndarray:
    glass = np.array(layout.glass, np.float32)
    density = np.log10(glass / np.array(STAINS[layout.stain], np.float32)).clip(0.002)
    light = glass * 10 ** (-tissue[..., None] * density)
    if layout.shade:
        coarse = rng.uniform(1 - layout.shade, 1, (3, 3))
        factors = [length / 3 for length in tissue.shape]
        light *= zoom(coarse, factors, order=1)[: tissue.shape[0], : tissue.shape[1], None]
    light += rng.normal(0, 1.5, tissue.shape)[..., None]
    if layout.border_px:
        edge = layout.border_px
        light[:edge] = light[-edge:] = 8
        light[:, :edge] = light[:, -edge:] = 8
    return np.clip(light, 0, 255).astype(np.uint8)


def hard_layout(seed: int, **fixed: object) -> Layout:
    """One random nasty layout; what is named in `fixed` is not drawn."""
    rng = np.random.default_rng([2018, seed])
    rows, columns = int(rng.integers(4, 13)), int(rng.integers(5, 16))
    core = float(rng.uniform(40, 100))
    lost = rng.random()
    drawn = {
        "rows": rows,
        "columns": columns,
        "core_px": core,
        "pitch": rng.uniform(1.05, 1.9),
        "turn_degrees": rng.uniform(-20, 20),
        "bend": rng.uniform(-0.6, 0.6),
        "keystone": rng.uniform(-0.06, 0.06),
        "missing": rng.choice([0.0, 0.05, 0.15, 0.3]),
        "ragged": rng.choice([0.0, 0.15, 0.4]),
        "debris": int(rng.choice([0, 3, 10, 25])),
        "stain": int(rng.integers(len(STAINS))),
        "shade": rng.choice([0.0, 0.04]),
        "border_px": int(rng.choice([0, 0, 30])),
        "glass": tuple(int(c) for c in rng.integers([232, 228, 215], [250, 248, 247])),
        "seed": seed,
    }
    drawn["pitch_down"] = drawn["pitch"] * rng.uniform(0.9, 1.15)
    tight = min(drawn["pitch"], drawn["pitch_down"])
    drawn["jitter_px"] = rng.choice([0.0, 0.1, 0.25]) * core * min(1.0, tight - 0.75)
    if lost < 0.2:
        drawn["lost_columns"] = (int(rng.choice([0, columns - 1])),)
    elif lost < 0.4:
        drawn["lost_rows"] = (int(rng.choice([0, rows - 1])),)
    elif lost < 0.5:
        drawn["lost_rows"] = (int(rng.integers(rows)),)
    if rng.random() < 0.25:
        drawn["gap_after_column"] = int(rng.integers(1, columns - 2))
        drawn["gap"] = rng.uniform(0.5, 1.6)
    if rng.random() < 0.5:  # a map with a corner pattern that tells the orientation
        drawn["empty"] = ((0, 0), (0, 1), (rows - 1, 0))[: int(rng.integers(1, 4))]
    return Layout(**(drawn | fixed))
