<?php
http_response_code(204);
header("Content-Type: text/x-php");
