"""What an operator does about API keys and the limits of tenants."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag.domain.buckets import validate_tenant
from rag.domain.credentials import ApiKey, Limits, NewApiKey, Scope, fingerprint, new_secret
from rag.errors import ApiKeyNotFound
from rag.ports import Store


@dataclass(frozen=True, kw_only=True)
class KeyAdministration:
    store: Store
    default_tenant: str

    def create(self, name: str, scopes: Sequence[Scope], tenant: str | None) -> tuple[ApiKey, str]:
        """The key and its secret, which nobody can show again."""
        secret = new_secret()
        new = NewApiKey(tenant=self.tenant(tenant), name=name, scopes=tuple(dict.fromkeys(scopes)))
        return self.store.credentials.create(new, fingerprint(secret)), secret

    def keys(self, tenant: str | None) -> list[ApiKey]:
        """Of the tenant, or of all."""
        tenants = self.store.tenants() if tenant is None else (validate_tenant(tenant),)
        return [key for each in tenants for key in self.store.credentials.list(each)]

    def revoke(self, key_id: str) -> ApiKey:
        for key in self.keys(None):
            if key.id == key_id:
                return self.store.credentials.revoke(key.tenant, key_id)
        raise ApiKeyNotFound(f"There is no API key {key_id}. `acervo keys list` lists those there are.")

    def limits(self, tenant: str | None) -> tuple[Limits, int]:
        """And the tokens used this month."""
        of = self.tenant(tenant)
        return self.store.credentials.limits(of), self.store.credentials.tokens_used(of)

    def set_limits(self, tenant: str | None, limits: Limits) -> None:
        self.store.credentials.set_limits(self.tenant(tenant), limits)

    def tenant(self, tenant: str | None) -> str:
        return validate_tenant(tenant or self.default_tenant)
