"""What the page names of the seven steps through which the playground lets a request live by itself."""

from playground.story import COMMENTS

SEVEN_STEPS = (
    "CREATE: Maria Keller is asked",
    f"Maria Keller approves: “{COMMENTS[0]}”",
    "The tenant is told what Maria Keller decided",
    "UPDATE: Priya Nair is asked",
    f"Priya Nair approves: “{COMMENTS[1]}”",
    "The tenant is told what Priya Nair decided",
    "DELETE: nobody is asked any more",
)
