"""What a test sees of the stand-in: the calls that change something, and where versions serve."""

FIRST = ["UploadModel", "ImportModelEvaluation", "CreateEndpoint", "DeployModel"]
FIRST += ["UpdateEndpoint", "MergeVersionAliases"]
NEXT = ["UploadModel", "ImportModelEvaluation", "DeployModel", "UpdateEndpoint", "UpdateEndpoint"]
NEXT += ["MergeVersionAliases", "UndeployModel"]
CHANGES = {*FIRST, *NEXT}


def changed(words) -> list[str]:
    """The calls that change something, in order; forgets those so far."""
    names = [name for name in words.vertex.names() if name in CHANGES]
    words.vertex.calls.clear()
    return names


def versions(words) -> dict[int, set[str]]:
    """The aliases that say where versions serve or served."""
    (stored,) = words.vertex.models.stored.values()
    return {
        number: {a for a in model.version_aliases if not a.startswith("export-")} for number, model in stored.items()
    }
