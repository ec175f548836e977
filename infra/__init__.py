"""The service on AWS as CDK constructs; imports nothing of the runtime code."""
