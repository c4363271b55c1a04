from xml.etree import ElementTree

from docs import pictures
from docs.dag import Drawing, artifacts
from pipelines import spec


def test_the_picture_in_the_readme_is_of_the_compiled_pipeline():
    assert pictures.PIPELINE.read_text(encoding="utf-8") == Drawing(spec.load()).svg(), "make pictures"


def test_every_step_artifact_and_gate_is_drawn():
    drawn = spec.load()
    texts = [element.text for element in ElementTree.fromstring(Drawing(drawn).svg()).iter() if element.text]
    assert {step.title for step in spec.steps(drawn)} <= set(texts)
    assert "approved?" in texts
    for artifact in artifacts(drawn):
        assert any(text.startswith(artifact.name) for text in texts), artifact


def test_artifacts_reach_into_a_group():
    model = next(
        artifact for artifact in artifacts(spec.load()) if (artifact.producer, artifact.name) == ("train", "model")
    )
    assert (model.kind, model.consumers) == ("Model", ("evaluate", "export"))
