"""The paper's cryo-EM experiments: apoferritin and aldolase, simulated or one's own."""
