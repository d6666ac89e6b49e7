/** The name under which the components of a key of `ui` are found on a page (specification 1.11). */
export function uiGlobalName(key: string): string {
  return `__LGUI_${key.replaceAll(/[^a-zA-Z0-9]/g, "_")}`;
}
