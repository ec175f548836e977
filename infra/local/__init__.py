"""The stack on this machine: what differs from AWS, and the cloud assembly that holds it."""
