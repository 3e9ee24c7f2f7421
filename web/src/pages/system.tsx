export function SystemPage(_: {selected?: string}) { return <p/>; }
