export function RecordsPage(_: {selected?: string}) { return <p/>; }
