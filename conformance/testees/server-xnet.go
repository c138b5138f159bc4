// An echo server of golang.org/x/net/websocket: GOPATH=/usr/share/gocode GO111MODULE=off go build server-xnet.go
package main

import (
	"io"
	"net/http"
	"os"

	"golang.org/x/net/websocket"
)

func main() {
	echo := websocket.Server{Handler: func(connection *websocket.Conn) { io.Copy(connection, connection) }}
	http.ListenAndServe("127.0.0.1:"+os.Args[1], echo)
}
