SMALLEST = ("--size", 256, "--frames", 2, "--micrographs", 2, "--budget", 0.01)


def test_an_experiment_ends_with_the_name_of_its_report(n2n, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert n2n("reproduce", "aldolase", *SMALLEST, "-q") == 0
    report = tmp_path / "reproduce-aldolase" / "report.html"
    assert "Report: reproduce-aldolase/report.html" in capsys.readouterr().out
    assert "Aldolase: simulated movies" in report.read_text(encoding="utf-8")
    # The same folder takes no other experiment.
    assert n2n("reproduce", "apoferritin", "-o", report.parent, *SMALLEST, "-q") == 1
    assert "specimen: aldolase there, apoferritin now" in capsys.readouterr().err


def test_what_cannot_be_meant_is_refused_in_a_sentence(n2n, tmp_path, capsys):
    both = ("--movies", tmp_path, "--pairs", tmp_path)
    assert n2n("reproduce", "apoferritin", *both, "-o", tmp_path / "out") == 1
    assert "not both" in capsys.readouterr().err
    for more in (("--gain", "gain.mrc"), ("--pixel-size", "2")):
        assert n2n("reproduce", "apoferritin", *more, "-o", tmp_path / "out") == 1
        said = capsys.readouterr().err
        assert "is for data of your own; give --movies" in said
        assert "budget_minutes" not in said
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there_is_named(n2n, tmp_path, capsys):
    missing = tmp_path / "missing"
    assert n2n("reproduce", "apoferritin", "--movies", missing, "-o", tmp_path / "out") == 1
    assert str(missing) in capsys.readouterr().err


def test_stopping_says_how_to_go_on(n2n, tmp_path, monkeypatch, capsys):
    from contextlib import contextmanager

    from napari_n2n.cli import console

    @contextmanager
    def at_once():
        yield lambda: True

    monkeypatch.setattr(console, "stop_on_signal", at_once)
    assert n2n("reproduce", "apoferritin", *SMALLEST, "-o", tmp_path / "out", "-q") == 130
    assert "same command goes on" in capsys.readouterr().err


def test_the_command_begins_with_the_settings_defaults():
    from inspect import signature

    from typer.main import get_command

    from napari_n2n.cli.reproduce import reproduce
    from napari_n2n.experiments.cryo.settings import CryoSettings

    given = signature(get_command(reproduce).commands["apoferritin"].callback.__wrapped__)
    defaults = CryoSettings()
    for option, field in (
        ("budget", "budget_minutes"),
        ("size", "size"),
        ("frames", "frames"),
        ("seed", "seed"),
        ("count", "count"),
    ):
        assert given.parameters[option].default == getattr(defaults, field)
