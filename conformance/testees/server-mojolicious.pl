# An echo server of Mojolicious: perl server-mojolicious.pl daemon -l http://127.0.0.1:PORT
use Mojolicious::Lite -signatures;
websocket '/' => sub ($c) {
  $c->tx->max_websocket_size(67108864);
  $c->tx->with_compression;
  $c->on(text   => sub ($c, $text)  { $c->send({text   => $text}) });
  $c->on(binary => sub ($c, $bytes) { $c->send({binary => $bytes}) });
};
app->log->level('fatal');
app->start;
