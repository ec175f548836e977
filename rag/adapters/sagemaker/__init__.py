"""Models on SageMaker endpoints."""
