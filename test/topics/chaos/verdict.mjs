// `judgeKept` and `judgePlain` hold what subscribers were sent against what publishers were told of their messages.

/** @typedef {{ accepted: Set<string>, rejected: Map<string, boolean> }} Fates texts, and for the rejected whether they may be accepted */

/** With history: each subscriber of a topic has each accepted message once, and all have one order. */
export function judgeKept(subscribers, { accepted, rejected }) {
  const faults = { lost: 0, doubled: 0, disordered: 0, unrecovered: 0, refusedButSent: 0 };
  const ofTopic = groupByTopic(accepted);
  const orders = new Map();
  for (const { topic, sessions, positions, unrecovered } of subscribers) {
    const messages = sessions.flat().filter((message) => message !== null);
    const received = new Set(messages);
    faults.doubled += messages.length - received.size;
    for (const text of ofTopic.get(topic) ?? []) if (!received.has(text)) faults.lost++;
    for (const text of received) if (rejected.get(text) === false) faults.refusedButSent++;
    faults.unrecovered += unrecovered;
    faults.disordered += countDisorder(messages) + countDescents(positions);
    const first = orders.get(topic);
    if (first === undefined) orders.set(topic, messages);
    else if (messages.some((text, index) => text !== first[index])) faults.disordered++;
  }
  return faults;
}

/** Without history: a session has no message twice, none out of order, and where one is missing a gap was told. */
export function judgePlain(subscribers, { accepted }) {
  const faults = { unreported: 0, doubled: 0, disordered: 0 };
  for (const { sessions } of subscribers) {
    for (const session of sessions) {
      const messages = session.filter((message) => message !== null);
      const received = new Set(messages);
      faults.doubled += messages.length - received.size;
      faults.disordered += countDisorder(messages);
      faults.unreported += countUnreported(session, accepted);
    }
  }
  return faults;
}

function groupByTopic(texts) {
  const groups = new Map();
  for (const text of texts) {
    const group = groups.get(topicOf(text)) ?? [];
    group.push(text);
    groups.set(topicOf(text), group);
  }
  return groups;
}

const topicOf = (text) => text.split(' ')[1];

function read(text) {
  const [publisher, , number] = text.split(' ');
  return { publisher, number: Number(number) };
}

/** How often a publisher's message comes behind a later one of it. */
function countDisorder(messages) {
  const latest = new Map();
  let count = 0;
  for (const text of messages) {
    const { publisher, number } = read(text);
    if (number < (latest.get(publisher) ?? -1)) count++;
    latest.set(publisher, number);
  }
  return count;
}

/** How often a position is not behind the one before it. */
function countDescents(positions) {
  let count = 0;
  let [offset, seen, epoch] = [-1, 0, ''];
  for (const position of positions) {
    const [, nextOffset, nextSeen = 0, nextEpoch] = /^(\d+)(?:-(\d+))?\.(.+)$/.exec(position);
    const isBehind = Number(nextOffset) > offset || (Number(nextOffset) === offset && Number(nextSeen) > seen);
    if (epoch === nextEpoch && !isBehind) count++;
    [offset, seen, epoch] = [Number(nextOffset), Number(nextSeen), nextEpoch];
  }
  return count;
}

/** How many accepted messages are missing between two of their publisher with no gap told between them. */
function countUnreported(session, accepted) {
  const latest = new Map();
  let count = 0;
  for (const text of session) {
    // What was lost is in this gap.
    if (text === null) latest.clear();
    else {
      const { publisher, number } = read(text);
      const before = latest.get(publisher);
      for (let missing = (before ?? number) + 1; missing < number; missing++) {
        if (accepted.has(`${publisher} ${topicOf(text)} ${missing}`)) count++;
      }
      latest.set(publisher, number);
    }
  }
  return count;
}
