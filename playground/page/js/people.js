// Teams' people picker: an input that searches the organization. The renderer has none, so it gets the organization as a list to type in.

const USERS = "graph.microsoft.com/users";
const directory = [];

// *people* are {id, name}: whom Teams would find in the readers' organization.
export function knowDirectory(people) {
  directory.splice(0, directory.length, ...people);
}

// Returns the card with every people picker as a list that is searched by typing; the rest as it is.
export function withPeople(part) {
  if (Array.isArray(part)) return part.map(withPeople);
  if (part === null || typeof part !== "object") return part;
  if (part["choices.data"]?.dataset === USERS) return picker(part);
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, withPeople(value)]));
}

// A list that is typed in shows its value as it stands: so it is the name that goes in, and the id that comes out.
function picker({ "choices.data": query, value, ...input }) {
  const choices = directory.map(({ id, name }) => ({ title: name, value: id }));
  const chosen = choices.find((choice) => choice.value === value)?.title ?? value;
  return { ...input, style: "filtered", choices, ...(chosen && { value: chosen }) };
}
