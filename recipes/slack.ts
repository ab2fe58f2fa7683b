import { type News, type NotifyOptions, notify } from 'rookery/recipes/notify';

export interface SlackOptions extends Omit<NotifyOptions, 'body' | 'name'> {
  /** Where the webhook allows another one. @default that of the webhook */
  readonly channel?: string;
  /** @default 'Rookery' */
  readonly username?: string;
  /** As ':ship:'. @default that of the webhook */
  readonly icon?: string;
  /** @default the news in one sentence */
  readonly text?: (news: News) => string;
}

/** `notify` in the words of a Slack webhook, which Mattermost and Rocket.Chat understand as well. Capistrano: slackify, slackistrano. */
export const slack = ({
  channel,
  username = 'Rookery',
  icon,
  text = (news) => news.text,
  ...options
}: SlackOptions = {}) =>
  notify({
    ...options,
    name: 'slack',
    body: (news) => ({
      username,
      ...(channel === undefined ? {} : { channel }),
      ...(icon === undefined ? {} : { icon_emoji: icon }),
      attachments: [{ color: COLORS[news.event], text: text(news), fallback: text(news) }],
    }),
  });

const COLORS = { started: '#777777', finished: 'good', failed: 'danger', reverted: 'warning' };
