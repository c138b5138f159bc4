// Messages that look like those of a market: JSON, which compression makes shorter.

/** JSON-like messages of `length` octets, without repetitions from one to the next. */
export function makeMessages(length, count) {
  const pick = (list) => list[Math.floor(Math.random() * list.length)];
  return Array.from({ length: count }, () => {
    let text = '';
    while (text.length < length) {
      text += `${JSON.stringify({
        id: Math.random().toString(36).slice(2),
        symbol: pick(['EURUSD', 'GBPUSD', 'USDJPY', 'AUDCAD']),
        price: Math.round(Math.random() * 1e6) / 1e4,
        time: 1.7e12 + Math.floor(Math.random() * 1e10),
        side: pick(['buy', 'sell']),
        user: `user${Math.floor(Math.random() * 1e6)}`,
      })},`;
    }
    return Buffer.from(text.slice(0, length), 'latin1');
  });
}
