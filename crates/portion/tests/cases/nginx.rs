use super::*;
use portion::Scheme::Nginx;

const CONF: &str = "\
user www; # who

http {
    gzip on;
    log_format main '$remote_addr; {'
                    \"$request\";

    upstream backend {
        server a:80;
        server b:80 weight=2;
    }

    server { # first
        server_name example.org www.example.org;
        location / { return 404; }
        location ~ ^/api/(.*)$ {
            proxy_pass http://backend/${arg_x}y;
        }
    }
    server {
        server_name other.org;
    }
}
";

#[test]
fn directives_and_blocks() {
    get(Nginx, CONF, "/user", "www");
    get(Nginx, CONF, "/http/gzip", "on");
    get(Nginx, CONF, "/http/log_format", "main '$remote_addr; {'\n                    \"$request\"");
    get(Nginx, CONF, "/http/upstream", "server a:80;\nserver b:80 weight=2;\n");
    get(Nginx, CONF, "/http/upstream backend/server b:80 weight=2", "b:80 weight=2");
    get(Nginx, CONF, "/http/server[server_name=www.example.org]/location ~1", "return 404;\n");
    get(
        Nginx,
        CONF,
        "/http/server[server_name=example.org]/location ~0 ^~1api~1(.*)$/proxy_pass",
        "http://backend/${arg_x}y",
    );
    listed(
        Nginx,
        CONF,
        &[
            ("/user", 1, 1),
            ("/http", 3, 23),
            ("/http/gzip", 4, 4),
            ("/http/log_format", 5, 6),
            ("/http/upstream backend", 8, 11),
            ("/http/upstream backend/server a:80", 9, 9),
            ("/http/upstream backend/server b:80 weight=2", 10, 10),
            ("/http/server[server_name=example.org]", 13, 19),
            ("/http/server[server_name=example.org]/server_name", 14, 14),
            ("/http/server[server_name=example.org]/location ~1", 15, 15),
            ("/http/server[server_name=example.org]/location ~1/return", 15, 15),
            ("/http/server[server_name=example.org]/location ~0 ^~1api~1(.*)$", 16, 18),
            ("/http/server[server_name=example.org]/location ~0 ^~1api~1(.*)$/proxy_pass", 17, 17),
            ("/http/server[server_name=other.org]", 20, 22),
            ("/http/server[server_name=other.org]/server_name", 21, 21),
        ],
    );
}

#[test]
fn edits() {
    put(Nginx, CONF, "/http/gzip", "off", &CONF.replace("gzip on", "gzip off"));
    put(Nginx, CONF, "/http/upstream", "server a:80;\nserver c:80;\n", &CONF.replace("b:80 weight=2", "c:80"));
    insert(
        Nginx,
        CONF,
        "/http/gzip_vary",
        Format::Text,
        "on",
        &CONF.replace("    }\n}\n", "    }\n    gzip_vary on;\n}\n"),
    );
    insert(
        Nginx,
        CONF,
        "/http/upstream x",
        Format::Text,
        "ip_hash;\nserver x;\n",
        &CONF.replace("    }\n}\n", "    }\n    upstream x {\n        ip_hash;\n        server x;\n    }\n}\n"),
    );
    insert(Nginx, "a b;\n", "/events", Format::Text, "", "a b;\nevents {\n}\n");
    insert(Nginx, "a b;", "/c", Format::Text, "", "a b;\nc;");
    remove(
        Nginx,
        CONF,
        "/http/server[server_name=example.org]/location ~1",
        &CONF.replace("        location / { return 404; }\n", ""),
    );
    remove(Nginx, CONF, "/user", &CONF.replace("user www; # who\n", ""));
    let lua = "http {\n  init_by_lua_block {\n    x = \"}\" -- }\n    y = { 1 }\n  }\n}\n";
    get(Nginx, lua, "/http/init_by_lua_block", "    x = \"}\" -- }\n    y = { 1 }\n");
    put(
        Nginx,
        lua,
        "/http/init_by_lua_block",
        "    z = 1\n",
        &lua.replace("    x = \"}\" -- }\n    y = { 1 }\n", "    z = 1\n"),
    );
}

#[test]
fn what_is_refused() {
    get_fails(Nginx, CONF, "/http/server", "ambiguous: `/http/server` matches 2 portions, on lines 13, 20");
    get_fails(Nginx, CONF, "/http/gzi", "missing: nothing stands at `/http/gzi`; did you mean `/http/gzip`, `/http`?");
    get_fails(Nginx, "a {\n", "/a", "unparsable: line 1, column 1: a block without its `}`");
    get_fails(Nginx, "a }\n", "/a", "unparsable: line 1, column 3: expected `;` before `}`");
    get_fails(
        Nginx,
        "a 'b'c;\n",
        "/a",
        "unparsable: line 1, column 6: expected a blank, `;` or `{` behind a closing quote",
    );
    put_fails(
        Nginx,
        CONF,
        "/http/gzip",
        "on; off",
        "refused: the fragment is to be the parameters of a directive, on one line and without `;`",
    );
    put_fails(
        Nginx,
        CONF,
        "/http/upstream",
        "server a:80;\n}\n",
        "refused: a block holds directives: line 2, column 1: a `}` without its `{`",
    );
    put_fails(
        Nginx,
        CONF,
        "/http/server[server_name=example.org]/location ~1",
        "return 405;\n",
        "refused: the block stands on one line; lay it on several first",
    );
}
