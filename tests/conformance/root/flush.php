<?php
header("Content-Type: text/plain");
foreach (["one ", "two ", "three "] as $part) {
    echo $part;
    ob_flush();
    flush();
}
