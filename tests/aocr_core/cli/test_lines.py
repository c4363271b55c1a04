import os

from aocr_core.cli import lines


def test_what_waits_comes_in_batches_and_a_single_line_at_once():
    reader, writer = os.pipe()
    batches = lines.waiting(reader, most=2)
    os.write(writer, b"a.png\nb.png\r\n\nc.png\nd.p")
    assert next(batches) == ["a.png", "b.png"]
    assert next(batches) == ["c.png"]
    os.write(writer, b"ng\n")
    assert next(batches) == ["d.png"]  # the writer is still there, and nobody waits for it
    os.write(writer, b"\xff.png")
    os.close(writer)
    assert [[os.fsencode(path) for path in batch] for batch in batches] == [[b"\xff.png"]]
    os.close(reader)
