# An echo server of Ruby's websocket-driver: ruby server-ruby-driver.rb PORT
require 'socket'
require 'websocket/driver'

class Peer
  attr_reader :url
  def initialize(socket)
    @socket = socket
    @driver = WebSocket::Driver.server(self, max_length: 2**26)
    @driver.on(:connect) { |_| @driver.start if WebSocket::Driver.websocket?(@driver.env) }
    @driver.on(:message) { |event| event.data.is_a?(String) ? @driver.text(event.data) : @driver.binary(event.data) }
    @driver.on(:close) { |_| @open = false }
    @open = true
  end

  def write(data)
    @socket.write(data)
  end

  def run
    @driver.parse(@socket.readpartial(65536)) while @open
  rescue IOError, SystemCallError
  ensure
    @socket.close
  end
end

Thread.report_on_exception = false
server = TCPServer.new('127.0.0.1', Integer(ARGV[0]))
loop { Thread.new(server.accept) { |socket| socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1); Peer.new(socket).run } }
