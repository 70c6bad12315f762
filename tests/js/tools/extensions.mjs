// The files of @trigger.dev/react import each other without extensions, as bundlers allow; Node wants them.
export function resolve(specifier, context, next) {
  const bare = specifier.startsWith("./") && context.parentURL?.includes("/@trigger.dev/react/dist/");
  return next(bare ? `${specifier}.js` : specifier, context);
}
