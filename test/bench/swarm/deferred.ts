/** A promise that is settled from outside. Its rejection may go unheard. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Makes one: what `Promise.withResolvers` is in newer Nodes. */
export const deferred = <T>(): Deferred<T> => {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((take, refuse) => {
    resolve = take;
    reject = refuse;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
};
