// The HTTP API, as the caller of a token.

export class ApiError extends Error {
  constructor({ message, hint, pointer }) {
    super(message);
    Object.assign(this, { hint, pointer });
  }
}

export const apiOf = (token) => async (method, path, body, signal) => {
  const response = await fetch(`v1/${path}`, {
    method,
    signal,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new ApiError(answer);
  return answer;
};
