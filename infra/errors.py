"""What can be wrong before anything is deployed."""


class DeploymentSettingsInvalid(Exception):
    """The deployment's settings cannot be used; the message says which and why."""
