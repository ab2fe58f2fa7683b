import { get } from 'node:http';
import {
  type AnnounceQuery,
  type AnnounceResponse,
  decodeAnnounceResponse,
  encodeAnnounceQuery,
} from '#protocol/announce.ts';

const MAX_ANSWER_BYTES = 1024 * 1024;

/** One HTTP announce. Rejects when the tracker cannot be reached, is silent for `timeoutMs`, or answers something else. */
export const announceOnce = (tracker: string, query: AnnounceQuery, timeoutMs: number): Promise<AnnounceResponse> =>
  new Promise((resolve, reject) => {
    const url = `${tracker}${tracker.includes('?') ? '&' : '?'}${encodeAnnounceQuery(query)}`;
    const request = get(url, { agent: false, headers: { connection: 'close' } }, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        parts.push(part);
        size += part.length;
        if (size > MAX_ANSWER_BYTES) request.destroy(new Error('tracker: answer too long'));
      });
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve(decodeAnnounceResponse(Buffer.concat(parts)));
        } catch (error) {
          reject(error);
        }
      });
    });
    const timer = setTimeout(() => request.destroy(new Error('tracker: no answer')), timeoutMs);
    request.on('error', reject);
    request.on('close', () => clearTimeout(timer));
  });
