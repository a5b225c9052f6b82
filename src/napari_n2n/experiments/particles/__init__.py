"""How well particles are found and told apart, measured where the truth is known."""
