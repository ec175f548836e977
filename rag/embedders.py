"""The embedding models of a deployment: the one for new collections, and others beside it."""

from collections.abc import Iterator, Sequence

from rag.domain.documents import EmbeddingModel
from rag.errors import EmbeddingModelMismatch, SettingInvalid
from rag.ports import BuildEmbedder, Embedder


def embedder_of(model: EmbeddingModel, embedder: Embedder, others: Sequence[BuildEmbedder] = ()) -> Embedder:
    """The one of that model; none is built that comes after it. Raises EmbeddingModelMismatch."""
    known = []
    for each in _each(embedder, others):
        if each.model == model:
            return each
        known.append(each.model)
    raise EmbeddingModelMismatch(
        f"The collection holds vectors of {described(model)}, and {', '.join(map(described, known))} is"
        " configured: set ACERVO_EMBEDDING, or ACERVO_EMBEDDING_OTHERS, to that model too."
    )


def named_model(
    name: str, dimensions: int | None, embedder: Embedder, others: Sequence[BuildEmbedder] = ()
) -> Embedder:
    """The configured one of that name. Raises SettingInvalid where there is none, or more than one."""
    known = [*_each(embedder, others)]
    named = [each for each in known if each.model.id == name]
    found = [each for each in named if dimensions in {None, each.model.dimensions}]
    if len(found) == 1:
        return found[0]
    configured = ", ".join(described(each.model) for each in known)
    if found:
        raise SettingInvalid(f"{name} is configured with several dimensions ({configured}): say which.")
    wanted = name if dimensions is None else f"{name} ({dimensions} dimensions)"
    raise SettingInvalid(
        f"No embedding model {wanted} is configured. ACERVO_EMBEDDING and ACERVO_EMBEDDING_OTHERS name"
        f" {configured}: add it to ACERVO_EMBEDDING_OTHERS wherever Acervo runs."
    )


def described(model: EmbeddingModel) -> str:
    return f"{model.id} ({model.dimensions} dimensions)"


def _each(embedder: Embedder, others: Sequence[BuildEmbedder]) -> Iterator[Embedder]:
    yield embedder
    for build in others:
        yield build()
