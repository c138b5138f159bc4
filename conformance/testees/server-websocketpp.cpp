// An echo server of websocketpp: c++ -O1 -o server-websocketpp server-websocketpp.cpp -lpthread
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/server.hpp>

int main(int, char **argv) {
  websocketpp::server<websocketpp::config::asio> server;
  server.clear_access_channels(websocketpp::log::alevel::all);
  server.clear_error_channels(websocketpp::log::elevel::all);
  server.set_max_message_size(1 << 26);
  server.set_message_handler([&](websocketpp::connection_hdl handle, auto message) {
    websocketpp::lib::error_code error;
    server.send(handle, message->get_payload(), message->get_opcode(), error);
  });
  server.init_asio();
  server.set_reuse_addr(true);
  server.listen("127.0.0.1", argv[1]);
  server.start_accept();
  server.run();
}
