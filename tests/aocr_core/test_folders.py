from pathlib import Path

from aocr_core import folders


def make(folder: Path, **files: str) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def content(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_files_that_announce_others_are_told_apart(tmp_path: Path):
    make(tmp_path, graph_pb="", a_json="", variables__v_index="", z_tfrecords="")
    files, announcers = folders.parts(tmp_path)
    assert list(files) == ["variables/v.index", "z.tfrecords"]
    assert list(announcers) == ["a.json", "graph.pb"]


def test_on_a_mount_nothing_is_announced_until_all_is_there(tmp_path: Path, monkeypatch):
    new, target = tmp_path / "new", tmp_path / "target"
    make(target, weights_h5="old", config_json="old", gone_txt="old")
    make(new, weights_h5="new", config_json="new", deep__more_txt="new")
    copy, seen = folders.shutil.copyfile, []

    def copying(source, place):
        seen.append((place.name, (target / "config.json").exists()))
        copy(source, place)

    monkeypatch.setattr(folders.shutil, "copyfile", copying)
    folders.copy_over(*folders.parts(new), target)
    assert seen == [("more.txt", False), ("weights.h5", False), ("config.json", False)]
    assert content(target) == {"weights.h5": "new", "config.json": "new", "deep/more.txt": "new"}
