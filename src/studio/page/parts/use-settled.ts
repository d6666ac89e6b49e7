import { useEffect, useState } from "react";

/** The value once it has not changed for a moment: so that not every letter typed is searched for. */
export function useSettled<Value>(value: Value, delayMs = 200): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), delayMs);
    return () => window.clearTimeout(timer);
  }, [value, delayMs]);
  return settled;
}
