"""The container image of a run: named by its digest, which never changes, or by a tag, which may."""

import re
from dataclasses import dataclass
from typing import Any

from aocr_core.errors import AocrError, UsageError
from components.vertex.errors import explained

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
NAME = re.compile(r"(?P<host>[^/\s@]+)/(?P<path>[^\s@:]+)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>\S+))?")
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
GOOGLES = re.compile(r"(?:[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)")
"""Registries that know the login of Google Cloud. It is shown to no other."""
TIMEOUT = 30.0


class NoAnswerError(AocrError):
    """The registry does not say what a tag stands for: nobody is there, or it may not be asked."""


@dataclass(frozen=True)
class Image:
    """`HOST/PATH:TAG` or `HOST/PATH@sha256:…`."""

    host: str
    path: str
    tag: str
    digest: str | None

    @property
    def local(self) -> bool:
        """Whether its registry is on loopback."""
        return self.host.split(":")[0] in ("localhost", "127.0.0.1")

    @property
    def can_be_asked_for(self) -> bool:
        """Whether its registry is one that is asked."""
        return self.local or GOOGLES.fullmatch(self.host) is not None

    @property
    def pinned(self) -> str:
        """The name with the digest in place of the tag."""
        return f"{self.host}/{self.path}@{self.digest}"


def parse(name: str) -> Image:
    """An image from its name.

    Raises:
        UsageError: it is none, or still the placeholder of the compiled pipeline.
    """
    match = NAME.fullmatch(name)
    if not match or (match["digest"] and not DIGEST.fullmatch(match["digest"])):
        raise UsageError(f"--image {name}: write HOST/PROJECT/REPOSITORY/NAME:TAG or …/NAME@sha256:DIGEST")
    if "/PROJECT/" in name:
        raise UsageError(f"--image {name}: put your project in the place of PROJECT")
    return Image(match["host"], match["path"], match["tag"] or "latest", match["digest"])


def warning(image: Image) -> str | None:
    """What to say of an image that is named by a tag, None if it has a digest."""
    if image.digest:
        return None
    return (
        f"the tag {image.tag} may come to stand for another image, and steps would be reused that other code has made: "
        "name the image as NAME@sha256:DIGEST"
    )


def chosen(name: str, pin: bool | None) -> tuple[str, str | None]:
    """The name of an image as it is to be sent.

    Args:
        name: as the user gives it.
        pin: whether its tag is replaced by the digest that it stands for; None: if its registry says so.

    Returns:
        The name, and why it still has its tag although its registry was asked.

    Raises:
        UsageError: it is no image, or `pin` and its registry is none that is asked.
        AocrError: there is no such image, or `pin` and its registry does not answer.
    """
    image = parse(name)
    if pin is False or image.digest or not (pin or image.can_be_asked_for):
        return name, None
    try:
        return resolve(image).pinned, None
    except NoAnswerError as error:
        if pin:
            raise
        return name, str(error)


def resolve(image: Image) -> Image:
    """The image with the digest that its registry gives for its tag now.

    The registry is asked as Docker does (https://distribution.github.io/distribution/spec/api/), with the same login
    as Vertex AI; one on loopback by plain HTTP and without.

    Raises:
        UsageError: the registry is neither Google's nor on loopback.
        NoAnswerError: there is no permission to read it, or nobody answers.
        AocrError: there is no such image.
    """
    if image.digest:
        return image
    if not image.can_be_asked_for:
        raise UsageError(f"--pin asks Google's registries only, not {image.host}: name the image as NAME@sha256:DIGEST")
    url = f"{'http' if image.local else 'https'}://{image.host}/v2/{image.path}/manifests/{image.tag}"
    try:
        with explained(f"pin {image.host}/{image.path}:{image.tag}"):
            answer = _session(image.local).head(url, headers={"Accept": MANIFESTS}, timeout=TIMEOUT)
    except AocrError as error:
        raise NoAnswerError(str(error)) from error
    digest = answer.headers.get("Docker-Content-Digest", "")
    if answer.status_code != 200 or not DIGEST.fullmatch(digest):
        reason = {401: "no permission to read it", 403: "no permission to read it", 404: "there is no such image"}
        said = reason.get(answer.status_code, f"the registry answers {answer.status_code} and no digest")
        kind = AocrError if answer.status_code == 404 else NoAnswerError
        raise kind(f"cannot pin {image.host}/{image.path}:{image.tag}: {said}")
    return Image(image.host, image.path, image.tag, digest)


def _session(local: bool) -> Any:
    import google.auth
    import requests
    from google.auth.transport.requests import AuthorizedSession

    if local:
        return requests.Session()
    return AuthorizedSession(google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])[0])
