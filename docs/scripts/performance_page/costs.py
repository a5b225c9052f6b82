"""The tables about the arithmetic floor, growth and threads, from the committed figures alone."""

from speed.figures import median, number, ratios, told, values

from performance_page.markdown import Results, gigabytes, table
from performance_page.training import TRAININGS

_MEGA = 1e6
_GIGA = 1e9
_TRAINING_PASSES = 3  # forward, and back to the inputs and to the weights


def floor_networks(results: Results) -> str:
    part = results["floor"]
    working = part["model"]["working_pixel_size_angstrom"] or 1.0
    rows = []
    for name, each in part["multiply_adds_per_pixel"].items():
        full = each * _MEGA / _GIGA
        rows.append((name, number(full, 3), number(full / working**2, 3)))
    header = ("network", "10⁹ multiply-adds a megapixel at 1 Å/px", f"at {working:g} Å/px")
    return table(header, rows)


def floor_shares(results: Results) -> str:
    part = results["floor"]
    rates = {
        "float32 matrix product": "float32_matrix_giga",
        "bfloat16 matrix product": "bfloat16_matrix_giga",
        "float32 convolution": "float32_convolution_giga",
    }
    text = table(
        ("this machine", "10⁹ multiply-adds/s"),
        [(title, told(values(part["rates"], key), 3)) for title, key in rates.items()],
    )
    single, half = (
        median(values(part["rates"], f"{kind}_matrix_giga")) for kind in ("float32", "bfloat16")
    )
    rows = []
    for title, work, seconds in _work(results):
        floors = [work / rate for rate in (single, half)]
        shares = [f"{floor / seconds:.0%}" for floor in floors]
        rows.append((title, number(work, 3), number(seconds, 3), *shares))
    header = (
        "what",
        "10⁹ multiply-adds",
        "s",
        "of the float32 floor's speed",
        "of the bfloat16 floor's",
    )
    return f"{text}\n\n{table(header, rows)}"


def _work(results: Results) -> list[tuple[str, float, float]]:
    """Return what was computed: a title, 1e9 multiply-adds, and the seconds it took."""
    part = results["floor"]
    side = part["settings"]["side"]
    model = part["model"]
    working = model["working_pixel_size_angstrom"] or 1.0
    one = model["multiply_adds_per_pixel"] * side**2 / working**2 / _GIGA
    work = [(f"denoising {side}² in memory", one, median(values(part["in_memory"], "seconds")))]
    if "denoising" in results:
        process = median(values(results["denoising"]["rounds"]["ours"], "seconds"))
        work.append((f"denoising {side}² as a process", one, process))
    if "training" in results:
        for name, measured in results["training"]["rounds"].items():
            first = measured[0]
            pixels = _TRAINING_PASSES * first["batch"] * first["crop"] ** 2
            seconds = 1 / median(values(measured, "steps_per_second"))
            title = f"a step of {TRAININGS[name]}"
            work.append((title, first["multiply_adds_per_pixel"] * pixels / _GIGA, seconds))
    return work


def growth(results: Results) -> str:
    curves = results["growth"]["curves"]
    titles = {
        "side": "denoising, side in px",
        "list": "denoising a list, micrographs",
        "frames": "aligning, frames",
        "threads, denoising": "denoising, threads",
        "threads, aligning": "aligning, threads",
    }
    rows = [
        (title, amount, told(values(measured, "seconds")), gigabytes(measured))
        for what, title in titles.items()
        for amount, measured in curves[what].items()
    ]
    text = table(("what grows", "to", "s", "GB"), rows)
    rows = [
        (amount, told(values(measured, "steps_per_second")))
        for amount, measured in curves["threads, training"].items()
    ]
    return f"{text}\n\n{table(('threads, training `quick`', 'steps/s'), rows)}"


def waiting(results: Results) -> str:
    part = results["waiting"]
    rows = []
    for kind in part["kinds"]:
        quiet, busy = (part["rounds"][f"{state}: {kind}"] for state in ("quiet", "busy"))
        rates = (told(values(rounds, "per_minute")) for rounds in (quiet, busy))
        rows.append((kind, *rates, told(ratios(quiet, busy, "per_minute"))))
    beside = f"beside {part['busy_processes']} busy processes"
    header = ("steps, images or movies a minute", "quiet", beside, "times slower")
    return table(header, rows)
