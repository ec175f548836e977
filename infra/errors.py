"""What can be wrong before anything is deployed."""


class DeploymentSettingsInvalid(Exception):
    """The deployment's settings cannot be used; the message says which and why."""


class DeploymentImpossible(Exception):
    """Nothing can be deployed from here or now; the message says what is missing or where to look."""
