"""All parts in the order in which they are measured; a new one is added here and nowhere else."""

from card import learning, steps, using
from card.running import Part

PARTS = (
    Part("start", using.start, 40),
    Part("rates", using.rates, 25),
    Part("steps", steps.measure, 80),
    Part("stream", using.stream, 50),
    Part("reaching", learning.reaching, 80),
    Part("aligning", using.aligning, 60),
    Part("files", using.files, 45),
    Part("long", learning.long, 90),
    Part("profile", steps.profile, 30),
    Part("tomogram", using.tomogram, 60),
)
