"""The paper's experiment on photographs."""
