// Runs every case as a client of java.net.http: java Client.java
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

public class Client {
  static String converse(HttpClient client, String url) {
    var done = new CompletableFuture<String>();
    var listener = new WebSocket.Listener() {
      String last;
      boolean begun;
      StringBuilder text = new StringBuilder();
      java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
      public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean whole) {
        text.append(data);
        socket.request(1);
        if (!whole) return null;
        last = text.toString();
        text = new StringBuilder();
        return socket.sendText(last, true);
      }
      public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean whole) {
        byte[] part = new byte[data.remaining()];
        data.get(part);
        bytes.writeBytes(part);
        socket.request(1);
        if (!whole) return null;
        byte[] message = bytes.toByteArray();
        bytes.reset();
        return socket.sendBinary(ByteBuffer.wrap(message), true);
      }
      public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        done.complete(last);
        return null;
      }
      public void onError(WebSocket socket, Throwable error) {
        done.complete(last);
      }
    };
    client.newWebSocketBuilder().buildAsync(URI.create(url), listener).exceptionally(error -> {
      done.complete(null);
      return null;
    });
    try {
      return done.get(20, TimeUnit.SECONDS);
    } catch (Exception error) {
      return null;
    }
  }

  public static void main(String[] args) {
    var client = HttpClient.newHttpClient();
    var url = System.getenv("WSIMD_URL");
    var agent = URLEncoder.encode(System.getenv("WSIMD_AGENT"), StandardCharsets.UTF_8).replace("+", "%20");
    int count = Integer.parseInt(converse(client, url + "/getCaseCount"));
    for (int number = 1; number <= count; number++) converse(client, url + "/runCase?case=" + number + "&agent=" + agent);
    System.exit(0);
  }
}
