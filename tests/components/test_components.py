"""The components do what the library says, by the library's names."""

import pytest
from kfp.dsl import Artifact

from aocr_core import config
from components import merge_rows
from components.approve import approve
from components.artifacts import record
from components.build_tfrecords import build_tfrecords
from components.check_rows import check_rows
from components.deploy import deploy
from components.evaluate import evaluate
from components.export import export
from components.inputs import EndpointOptions, PipelineInputs
from components.parts import Part
from components.train import train
from components.workers import WorkerOptions

ALL = [build_tfrecords, train, evaluate, approve, export, deploy, check_rows, merge_rows.build_tfrecords]
KINDS = {"STRING": str, "NUMBER_INTEGER": int, "NUMBER_DOUBLE": float, "BOOLEAN": bool}


def definitions(component):
    return component.component_spec.inputs or {}


@pytest.mark.parametrize("component", ALL, ids=lambda component: component.name)
def test_components_have_a_description_and_no_default(component):
    assert component.component_spec.description
    assert not [name for name, spec in definitions(component).items() if spec.default is not None or spec.optional]


@pytest.mark.parametrize("component", ALL, ids=lambda component: component.name)
def test_every_parameter_is_a_described_option_of_the_same_type(component):
    from components.form import parameter_type

    groups = [PipelineInputs, EndpointOptions, WorkerOptions, Part]
    groups += [group for group in vars(config).values() if isinstance(group, type)]
    fields = {
        name: field
        for group in groups
        if issubclass(group, config.Options)
        for name, field in group.model_fields.items()
    }
    parameters = component.pipeline_spec.root.input_definitions.parameters
    for name, parameter in parameters.items():
        assert parameter.description, name
        kind = type(parameter).DESCRIPTOR.fields_by_name["parameter_type"].enum_type
        assert KINDS[kind.values_by_number[parameter.parameter_type].name] is parameter_type(fields[name]), name


def test_recorded_figures_are_in_the_metadata_and_in_the_file(tmp_path):
    artifact = Artifact(uri=str(tmp_path / "metrics"))
    record(artifact, {"accuracy": 0.5, "approved": True})
    assert artifact.metadata == {"accuracy": 0.5, "approved": True}
    assert '"accuracy": 0.5' in (tmp_path / "metrics").read_text()
